// Package kafka is on the right side.
package kafka
