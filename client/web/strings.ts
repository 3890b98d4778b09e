// All that the clinic's app says, in English.
export const strings = {
  title: 'Lentigo clinic',
};
