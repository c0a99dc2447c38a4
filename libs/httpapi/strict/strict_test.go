package strict_test

import (
	"testing"
	"time"

	"github.com/songan-vn/songan/libs/httpapi/strict"
	"github.com/songan-vn/songan/libs/problem"
)

type document struct {
	Type   string `json:"type" enum:"citizen_id,passport,none"`
	Number string `json:"number,omitzero" maxLength:"20"`
}

func (d document) Validate(f *problem.Faults) {
	if d.Type != "" && d.Type != "none" && d.Number == "" {
		f.At("/number", problem.Fault{Code: "document_number_missing"})
	}
}

type guest struct {
	FullName  string   `json:"full_name" maxLength:"100"`
	BirthDate string   `json:"birth_date" format:"partial-date"`
	Sex       string   `json:"sex" enum:"male,female"`
	Document  document `json:"document"`
	Phone     *string  `json:"phone,omitzero"`
}

type stay struct {
	Guest     guest             `json:"guest"`
	ArrivedAt time.Time         `json:"arrived_at"`
	Departure string            `json:"expected_departure,omitzero" format:"date"`
	Nights    int               `json:"nights,omitzero" minimum:"0" maximum:"29"`
	Carer     bool              `json:"carer,omitzero"`
	Tags      []string          `json:"tags,omitzero" maxItems:"3"`
	Facts     map[string]string `json:"facts,omitzero"`
}

const good = `{"guest":{"full_name":"Nguyễn Văn An","birth_date":"1990-01-15","sex":"male",
 "document":{"type":"citizen_id","number":"001090123456"},"phone":null},
 "arrived_at":"2026-11-21T14:05:00+07:00","expected_departure":"2026-11-23","nights":2,"tags":["a"],"facts":{"k":"v"}}`

func BenchmarkRead(b *testing.B) {
	r := strict.For[stay]()
	data := []byte(good)
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := r.Read(data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCanonical(b *testing.B) {
	data := []byte(good)
	b.ReportAllocs()
	for b.Loop() {
		strict.Canonical(data)
	}
}
