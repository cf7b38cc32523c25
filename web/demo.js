// Whether this is the demo, where there are identities to choose from: `rowcast demo` serves
// another file in this one's place.

export const isDemo = false;
