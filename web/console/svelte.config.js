/** Nodes are built one by one: nothing is parsed as HTML, so that Trusted Types have nothing to allow. */
export default { compilerOptions: { fragments: "tree", runes: undefined } };
