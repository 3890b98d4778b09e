// This release: what `lentigo --version` says, and what a model says it was made by.
export const VERSION = '0.1.0';
