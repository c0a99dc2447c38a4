package audit

import "fmt"

const invariants = 14

// invariant is one of the fourteen, and what was found about it.
type invariant struct {
	text       string
	checked    int
	violations []string
	more       int
}

// violated notes a violation.
func (i *invariant) violated(format string, of ...any) {
	if len(i.violations) == Shown {
		i.more++
		return
	}
	i.violations = append(i.violations, fmt.Sprintf(format, of...))
}

// holds counts something that was looked at, and notes a violation if it is not as it should be.
func (i *invariant) holds(ok bool, format string, of ...any) {
	i.checked++
	if !ok {
		i.violated(format, of...)
	}
}

// texts says what the invariants are, in their order.
func texts() [invariants]string {
	return [invariants]string{
		"budget = available + reserved + in flight + credited + returned + cash, to the dong",
		"at most one live payment per person, programme, month and kind",
		"every credit has exactly one bank reference, and the reverse; a receipt is one person's",
		"no release without approvals by two persons, neither of them the maker",
		"the list's hash at approval = at release = what the banks were told to pay",
		"folding the log from zero gives the read models that are served",
		"no command took effect twice; no end-to-end id was used twice",
		"nothing is paid for a month after a death that was known, nor while a bank's word of one waits for an officer",
		"what is paid for a month, over all programmes, comes to what its list granted, to the dong, which is an amount that the law has",
		"a stop before a payment is made removes its line, and the difference is shown",
		"what is carried forward or tried again is paid exactly once",
		"an account change never diverts an approved payment",
		"late and backward reports are recorded and not applied",
		"returns never exceed credits",
	}
}

// invariant returns one of them by its number, from 1.
func (a *auditor) invariant(number int) *invariant { return &a.invariants[number-1] }

func (a *auditor) findings() []Finding {
	list := make([]Finding, 0, invariants)
	for n, i := range a.invariants {
		violations := i.violations
		if violations == nil {
			violations = []string{}
		}
		list = append(list, Finding{
			ID: fmt.Sprintf("I%d", n+1), Text: i.text, Checked: i.checked, Violations: violations, More: i.more, OK: len(i.violations) == 0,
		})
	}
	return list
}
