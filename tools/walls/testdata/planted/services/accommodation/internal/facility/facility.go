// Package facility is on the right side.
package facility
