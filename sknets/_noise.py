"""Random numbers that cost little: masks, dropout and corruption."""

import torch


def random_mask(shape, probability, generator, device):
    """Draw booleans that are True with a probability, in steps of 2**-16.

    Parameters
    ----------
    shape : torch.Size
    probability : float in [0, 1]
    generator : torch.Generator or None
    device : torch.device

    Returns
    -------
    mask : bool tensor of the given shape

    Notes
    -----
    One 64-bit draw serves four entries: a fifth of the time of ``bernoulli_``, which
    would be a sixth of a training step of the article's perceptron.
    """
    if device.type == "mps":  # its random_ cannot fill 64 bits
        probabilities = torch.full(shape, probability, device=device)
        return torch.bernoulli(probabilities, generator=generator).bool()
    n_entries = shape.numel()
    words = torch.empty(-(-n_entries // 4), dtype=torch.int64, device=device)
    words.random_(-(2**63), None, generator=generator)
    sixteen_bits = words.view(torch.int16)[:n_entries].view(shape)
    threshold = round(probability * 2**16) - 2**15
    if threshold == 2**15:
        return torch.ones(shape, dtype=torch.bool, device=device)
    return sixteen_bits < threshold


def dropout(X, p, generator=None):
    """Zero entries with probability `p`; scale the others to keep the expectation."""
    keep_probability = max(round((1 - p) * 2**16), 1) / 2**16
    keep = random_mask(X.shape, keep_probability, generator, X.device)
    return X * keep.to(X.dtype).mul_(1 / keep_probability)


def add_gaussian_noise(X, level, generator=None):
    """Add independent normal noise of standard deviation `level`, in units of X."""
    noise = torch.empty_like(X).normal_(0, level, generator=generator)
    return noise.add_(X)


def mask_entries(X, level, generator=None):
    """Set a fraction `level` of the entries of X to zero."""
    return X.masked_fill(random_mask(X.shape, level, generator, X.device), 0)


def add_salt_and_pepper(X, level, generator=None):
    """Set a fraction `level` of the entries of X to an extreme of their feature.

    A fair coin says which: the smallest or the largest value of that feature in the
    rows of X. So a constant feature stays as it is, and a rare outlier of a heavy tail
    is not sown over all the rows.
    """
    low, high = torch.aminmax(X, dim=0, keepdim=True)
    salt = random_mask(X.shape, 0.5, generator, X.device)
    replaced = random_mask(X.shape, level, generator, X.device)
    return torch.where(replaced, torch.where(salt, high, low), X)


CORRUPTIONS = {
    "gaussian": add_gaussian_noise,
    "masking": mask_entries,
    "salt_and_pepper": add_salt_and_pepper,
}
