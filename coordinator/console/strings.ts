// All that the console says, in English.
export const strings = {
  title: 'Lentigo console',
};
