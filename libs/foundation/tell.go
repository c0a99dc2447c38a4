package foundation

import (
	"context"
	"fmt"
	"net/http"

	"github.com/songan-vn/songan/libs/httpapi"
	"github.com/songan-vn/songan/libs/peer"
	"github.com/songan-vn/songan/libs/privacy"
	"github.com/songan-vn/songan/libs/subject"
	"github.com/songan-vn/songan/libs/vault"
)

// AboutPerson asks a service that cannot find a person by a document what it keeps of them, by what another one knows.
type AboutPerson struct {
	Kind string `json:"kind" enum:"access,erasure"`
	Case string `json:"case" pattern:"^[!-~]{1,100}$" doc:"number of the request in the office's register"`
	subject.Keys
}

// TellOfPeople adds the route by which another service asks what this one keeps of a person who asked for it there. Nothing is
// erased by it: it is for services whose rules keep everything, and errs for others.
func (f *Foundation) TellOfPeople(api *httpapi.API, trail func(ctx context.Context, keys subject.Keys) (subject.Trail, error)) error {
	if erased := f.rules.ErasedOnRequest(f.options.Service); len(erased) > 0 {
		return fmt.Errorf("rules of retention: %s would have %v erased on request, and keeps them by law: say %q", f.options.Service, erased, privacy.OnRequestKeep)
	}
	httpapi.Ask(api, httpapi.Route{
		Pattern: "POST /subject-reports", Summary: "What is kept of a person who asks about their data, for other services",
		Action: "operations.tell_of_person", Status: http.StatusOK,
	}, func(ctx context.Context, c httpapi.Call[AboutPerson]) (subject.Report, error) {
		why, err := ReadFor(c.Pass, c.In.Kind+"_request", c.In.Case)
		if err != nil {
			return subject.Report{}, err
		}
		found, err := trail(ctx, c.In.Keys)
		if err != nil {
			return subject.Report{}, err
		}
		here := subject.Place{Service: f.options.Service, Pool: f.Pool, Vault: f.Vault}
		if c.In.Kind == vault.RequestErasure {
			return found.Stays(ctx, here)
		}
		return found.Tell(ctx, here, why)
	})
	return nil
}

// AskAbout asks a service that serves [Foundation.TellOfPeople].
func AskAbout(ctx context.Context, client *peer.Client, service string, about AboutPerson) (subject.Report, error) {
	report, err := peer.Post[subject.Report](ctx, client, "/"+service+"/v1/subject-reports", about)
	if err != nil {
		return subject.Report{}, fmt.Errorf("ask %s what it keeps: %w", service, err)
	}
	if report.Service != service { // an answer of another kind says nothing about anybody
		return subject.Report{}, fmt.Errorf("ask %s what it keeps: %w", service, peer.ErrUnreadable)
	}
	return report, nil
}
