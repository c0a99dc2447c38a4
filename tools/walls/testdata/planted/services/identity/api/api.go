// Package api stands for whatever a service exports.
package api
