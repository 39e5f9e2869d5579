/// The version that `--version` prints and reports carry.
package let version = "0.1.0"
