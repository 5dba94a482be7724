"""CPU threads and GPU memory of a training process."""

from scarcegan.gan.tensorflow import tf


def prepare_devices(threads: int) -> None:
    """Give TensorFlow its share of the machine; call it before the first computation of the process.

    A GPU's memory is taken as it is needed, so that folds sharing one don't starve each other. Once a process has
    computed, the settings stand: asking for the same again is fine, anything else is TensorFlow's RuntimeError.
    """
    threading = tf.config.threading
    if threading.get_intra_op_parallelism_threads() != threads:
        threading.set_intra_op_parallelism_threads(threads)
        # One operation at a time: each is already spread over all threads.
        threading.set_inter_op_parallelism_threads(1)
    for gpu in tf.config.list_physical_devices("GPU"):
        if not tf.config.experimental.get_memory_growth(gpu):
            tf.config.experimental.set_memory_growth(gpu, True)
