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

require (
	github.com/VividCortex/ewma v1.2.0 // indirect
	github.com/acarl005/stripansi v0.0.0-20180116102854-5a71ef0e047d // indirect
	github.com/alecthomas/kong v1.17.0 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/mattn/go-runewidth v0.0.16 // indirect
	github.com/pierrec/lz4/v4 v4.1.33 // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
	github.com/segmentio/kafka-go v0.4.51 // indirect
	github.com/vbauerster/mpb/v8 v8.9.3 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/songan-vn/songan/events => ../../events

replace github.com/songan-vn/songan/libs => ../../libs

replace github.com/songan-vn/songan/libs/embedded => ../../libs/embedded

replace github.com/songan-vn/songan/services/accommodation => ../accommodation

replace github.com/songan-vn/songan/services/identity => ../identity

replace github.com/songan-vn/songan/services/simulators => ../simulators
