package person_test

import (
	"testing"

	"github.com/songan-vn/songan/libs/problem"
	"github.com/songan-vn/songan/libs/vn/person"
)

func TestPeopleAreNotNamedWhereTheyCannotBeErased(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]bool{
		// numbers of documents and telephones
		"001090123456": true, "001 090 123 456": true, "001.090.123-456": true, "012345678": true,
		"0912345678": true, "0912 345 678": true, "091-234-5678": true, "+84 912 345 678": true, "(024) 3825 4567": true,
		"C1234567": true, "AB123456": true, "hc B12345678": true, "C01X00T47": false, "C0123456X": true,
		// names, however they are written
		"Nguyễn Văn An": true, "nguyen van an": true, "NGUYEN.VAN.AN": true, "NguyenVanAn": true, "tran_thi_binh": true,
		"theo đơn của Phạm Thị Hồng": true, "Lê Văn Tám": true, "Hoàng Oanh": true, "Nguyễn Zqxbácềđỗ Ẩn": true,
		// what belongs there
		"": false, "101": false, "P.1203": false, "BTXH-118": false, "118/QĐ-UBND": false, "BD-2026-118": false, "KB-2026-1": false,
		"2026-11-22-001": false, "vault_restored": false, "fixed_in_1.2": false, "missing_person": false, "tour-ha-noi": false,
		"the_bank_withdrew_it": false, "le": false, "Nguyen": false, "PC-119": false, "2026/117": false, "BT-000123": false,
		"payroll-2026-11-00025": false, "gia-dinh-4": false, "Nguyễn 12": false, "KB-8": false, "00004": false, "Trần Phú 15": true,
	} {
		var faults problem.Faults
		person.CheckNobody(&faults, "/here", value)
		if got := len(faults) > 0; got != want {
			t.Errorf("%q: refused %t, want %t", value, got, want)
		}
		if len(faults) > 0 && (faults[0].Pointer != "/here" || faults[0].Code != "looks_like_a_person") {
			t.Errorf("%q: %+v", value, faults)
		}
	}
}

func FuzzANameIsLookedForInAnything(f *testing.F) {
	for _, seed := range []string{"Nguyễn Văn An", "\xff\xfe\xc3", "0912-345 678", "A\xc31234567"} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, value string) {
		var faults problem.Faults
		person.CheckNobody(&faults, "", value)
	})
}
