module github.com/songan-vn/songan/services/identity

go 1.26.0

require (
	github.com/songan-vn/songan/events v0.0.0
	github.com/songan-vn/songan/libs v0.0.0
	github.com/songan-vn/songan/libs/embedded v0.0.0
)

require (
	github.com/google/go-cmp v0.7.0 // indirect
	golang.org/x/time v0.16.0 // indirect
)

replace github.com/songan-vn/songan/events => ../../events

replace github.com/songan-vn/songan/libs => ../../libs

replace github.com/songan-vn/songan/libs/embedded => ../../libs/embedded
