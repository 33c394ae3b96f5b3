"""What crosses a package border. A package, so that `tests.packaging` is not taken for the library `packaging`."""
