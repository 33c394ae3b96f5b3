"""What a device must provide: `contract` names it, `base` builds it, `numpy` is the first one."""
