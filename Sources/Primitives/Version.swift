/// The version in `--version` and in reports.
package let ebbVersion = "0.1.0"
