# SPDX-License-Identifier: MIT
[inputs: ["mix.exs", "lib/**/*.ex"], line_length: 100]
