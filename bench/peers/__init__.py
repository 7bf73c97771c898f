"""The same call built with other means, measured in the same run."""
