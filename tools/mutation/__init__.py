"""Mutation testing: do the tests of a module notice small changes of its code?"""
