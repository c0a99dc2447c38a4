// Package decidertest is for tests.
package decidertest

import _ "testing"
