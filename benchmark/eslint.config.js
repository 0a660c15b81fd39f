import tseslint from "typescript-eslint";

export default tseslint.config(tseslint.configs.recommendedTypeChecked, {
  languageOptions: { parserOptions: { projectService: true } },
  rules: {
    // tinybench calls a function that isn't `async` once more than asked, to see what it returns.
    "@typescript-eslint/require-await": "off",
    // Numbers and errors in messages are the point of this program.
    "@typescript-eslint/restrict-template-expressions": "off",
    "@typescript-eslint/no-unused-vars": ["error", { varsIgnorePattern: "^_", argsIgnorePattern: "^_" }],
    // node:test's functions return promises that its runner awaits.
    "@typescript-eslint/no-floating-promises": [
      "error",
      {
        allowForKnownSafeCalls: [
          { from: "package", package: "node:test", name: ["describe", "it", "test", "after", "before"] },
        ],
      },
    ],
  },
});
