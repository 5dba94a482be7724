"""What is SageMaker's or AWS Batch's own; the other rooms know nothing of it."""
