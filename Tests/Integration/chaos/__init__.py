"""Payers in a storm: processes die at random, money does not."""
