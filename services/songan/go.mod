module github.com/songan-vn/songan/services/songan

go 1.26.0

require (
	github.com/songan-vn/songan/events v0.0.0
	github.com/songan-vn/songan/libs v0.0.0
	github.com/songan-vn/songan/libs/embedded v0.0.0
	github.com/songan-vn/songan/services/accommodation v0.0.0
	github.com/songan-vn/songan/services/identity v0.0.0
	github.com/songan-vn/songan/services/simulators v0.0.0
)

require github.com/alecthomas/kong v1.17.0 // indirect

replace github.com/songan-vn/songan/events => ../../events

replace github.com/songan-vn/songan/libs => ../../libs

replace github.com/songan-vn/songan/libs/embedded => ../../libs/embedded

replace github.com/songan-vn/songan/services/accommodation => ../accommodation

replace github.com/songan-vn/songan/services/identity => ../identity

replace github.com/songan-vn/songan/services/simulators => ../simulators
