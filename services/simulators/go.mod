module github.com/songan-vn/songan/services/simulators

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/songan-vn/songan/libs v0.0.0
	pgregory.net/rapid v1.3.0
)

require golang.org/x/text v0.43.0 // indirect

replace github.com/songan-vn/songan/events => ../../events

replace github.com/songan-vn/songan/libs => ../../libs

replace github.com/songan-vn/songan/libs/embedded => ../../libs/embedded
