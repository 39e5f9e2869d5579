/// The version that `--version` prints and reports carry.
package let ebbVersion = "0.1.0"
