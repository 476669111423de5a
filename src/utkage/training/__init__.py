"""Training: recipes, one loop for all systems, losses, schedules, checkpoints and run folders.

Start with ``train.py`` (set-up), ``loop.py`` (epochs, checkpoints, resuming) and
``systems/multitask/trainer.py`` (forward, loss, backward, step). Where to add:

=========================================  ========================================================
a system                                   a ``TrainableSystem`` in ``systems/``, ``train._start``
                                           and ``recipe.SYSTEMS``
a setting                                  a field with its documentation in ``config_groups``
an augmentation                            ``data/augment/pipeline.py`` and ``AugmentConfig``
another order of faces, such as balanced   ``epoch_order`` in ``loop._Loop.train_epoch``
targets made of the augmented images       ``TrainableMultitask.draw``
a loss, or adjusted logits                 ``losses.AGE_LOSSES``, ``objective.objective_of``
a schedule                                 ``schedule.SCHEDULES``
another average of the weights             ``TrainableSystem.average`` (``ema.py``)
another choice of the best epoch           ``summary.SELECTIONS``
=========================================  ========================================================
"""
