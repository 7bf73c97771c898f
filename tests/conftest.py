from hypothesis import settings

# No test asserts a speed: a busy machine must not fail a property.
settings.register_profile("angarium", deadline=None)
settings.load_profile("angarium")
