"""The work of RetrainFlow's steps, a module for each."""
