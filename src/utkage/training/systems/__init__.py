"""The systems that can be trained: the multi-task network and the seed system."""
