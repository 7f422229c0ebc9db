"""The writer: of several API processes on a machine, the one that carries out the commands of all."""
