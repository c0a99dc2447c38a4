package statement

// Figure is one sum, as each witness has it: the demo by what it planned and did, the API, and the banks' own books. nil
// is a witness who cannot know.
type Figure struct {
	Name             string
	Demo, API, Banks *Sum
}

// Agrees tells whether all who can know say the same, and at least two can.
func (f Figure) Agrees() bool {
	var first *Sum
	told := 0
	for _, sum := range []*Sum{f.Demo, f.API, f.Banks} {
		if sum == nil {
			continue
		}
		if first == nil {
			first = sum
		}
		if *sum != *first {
			return false
		}
		told++
	}
	return told > 1
}

// Differing names the figures on which the witnesses do not agree.
func Differing(figures []Figure) []string {
	var names []string
	for _, f := range figures {
		if !f.Agrees() {
			names = append(names, f.Name)
		}
	}
	return names
}
