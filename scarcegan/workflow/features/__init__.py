"""The work of FeaturesFlow's steps."""
