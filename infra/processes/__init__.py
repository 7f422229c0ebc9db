"""Processes of this machine: started, watched, ended; the data directory and the ports that they use."""
