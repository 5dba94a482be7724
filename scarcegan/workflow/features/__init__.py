"""The jobs of FeaturesFlow."""
