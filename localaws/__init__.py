"""A local AWS twin: Batch that really runs its jobs, S3, SageMaker and a metadata service, all on this machine.

For development and tests; it never travels to Batch with the code. `python -m localaws` starts it.
"""
