"""The simulated cluster as a pytest fixture, for tests of operators and controllers."""
