"""What is measured on: boards, backlogs, histories, and the questions asked of them."""
