package signin_test

import (
	"fmt"
	"os"

	"github.com/songan-vn/songan/libs/access/signin"
)

func ExampleConfig_Options() {
	data, err := os.MkdirTemp("", "songan")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(data) }()
	options, err := signin.Config{
		Issuer: "https://id.example.vn/realms/province", ClientID: "songan", Data: data,
		Claims: `{"role":"realm_access.roles","unit":"unit","roles":{"chu-tich":"approver","cong-an":"commune_police"}}`,
	}.Options()
	fmt.Println(options.Claims.Roles["chu-tich"], len(options.Key), err)
	// Output: approver 32 <nil>
}
