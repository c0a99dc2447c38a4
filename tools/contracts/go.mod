module github.com/songan-vn/songan/tools/contracts

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3
	github.com/songan-vn/songan/events v0.0.0
	go.yaml.in/yaml/v3 v3.0.5
)

require golang.org/x/text v0.43.0 // indirect

replace github.com/songan-vn/songan/events => ../../events
