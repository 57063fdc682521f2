//! `examples/consolidated-attributes` does what its README says.
