"""Networks, losses, the compiled training program, checkpoints: the one room that needs TensorFlow."""
