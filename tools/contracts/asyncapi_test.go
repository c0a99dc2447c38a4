package contracts_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/songan-vn/songan/events"
	"github.com/songan-vn/songan/events/bank"
	"github.com/songan-vn/songan/tools/contracts"
)

type reference struct {
	Ref string `yaml:"$ref"`
}

// document is the part of asyncapi.yaml that has to agree with the code.
type document struct {
	AsyncAPI string `yaml:"asyncapi"`
	Channels map[string]struct {
		Address  string               `yaml:"address"`
		Messages map[string]reference `yaml:"messages"`
	} `yaml:"channels"`
	Operations map[string]struct {
		Action  string    `yaml:"action"`
		Channel reference `yaml:"channel"`
	} `yaml:"operations"`
	Components struct {
		Messages      map[string]message `yaml:"messages"`
		MessageTraits map[string]struct {
			Headers struct {
				Required   []string       `yaml:"required"`
				Properties map[string]any `yaml:"properties"`
			} `yaml:"headers"`
		} `yaml:"messageTraits"`
	} `yaml:"components"`
}

type message struct {
	Name    string      `yaml:"name"`
	Title   string      `yaml:"title"`
	Summary string      `yaml:"summary"`
	Traits  []reference `yaml:"traits"`
	Payload reference   `yaml:"payload"`
}

func TestEveryFactStandsInTheDocument(t *testing.T) {
	t.Parallel()
	doc := read(t)
	for service, catalog := range contracts.Catalogs() {
		channel := doc.Channels[service]
		if want := "songan." + service + ".v1"; channel.Address != want {
			t.Errorf("channel %s: address %q, want %q", service, channel.Address, want)
		}
		want := map[string]reference{}
		for _, e := range catalog {
			name := e.EventName()
			if _, private := e.(events.Private); private {
				t.Errorf("%s is private and stands in a catalog of published facts", name)
			}
			want[name] = reference{Ref: "#/components/messages/" + name}
		}
		if diff := cmp.Diff(want, channel.Messages); diff != "" {
			t.Errorf("messages of %s (-catalog +document):\n%s", service, diff)
		}
	}
	want := slices.AppendSeq(slices.Collect(maps.Keys(contracts.Catalogs())), maps.Keys(contracts.Messages()))
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(doc.Channels))); diff != "" {
		t.Errorf("channels (-catalogs and messages +document):\n%s", diff)
	}
}

func TestEveryMessageToAndFromABankStandsInTheDocument(t *testing.T) {
	t.Parallel()
	doc := read(t)
	topics := bank.Topics{Prefix: "songan", BIC: "{bic}"}
	addresses := map[string]string{"bankInstructions": topics.Instructions(), "bankReports": topics.Reports()}
	for name, messages := range contracts.Messages() {
		channel := doc.Channels[name]
		if channel.Address != addresses[name] {
			t.Errorf("channel %s: address %q, want %q", name, channel.Address, addresses[name])
		}
		want := map[string]reference{}
		for _, e := range messages {
			want[e.EventName()] = reference{Ref: "#/components/messages/" + e.EventName()}
		}
		if diff := cmp.Diff(want, channel.Messages); diff != "" {
			t.Errorf("messages of %s (-contract +document):\n%s", name, diff)
		}
	}
}

func TestEveryMessageIsAFactWithItsSchema(t *testing.T) {
	t.Parallel()
	want := map[string]message{}
	for _, e := range facts() {
		schema, trait := describe(t, e), "fact"
		if events.Service(e.EventName()) == "bank" {
			trait = "bankMessage"
		}
		want[e.EventName()] = message{
			Name: e.EventName(), Title: schema.title, Summary: schema.description,
			Traits:  []reference{{Ref: "#/components/messageTraits/" + trait}},
			Payload: reference{Ref: "./schemas/" + e.EventName() + ".json"},
		}
	}
	if diff := cmp.Diff(want, read(t).Components.Messages); diff != "" {
		t.Fatalf("messages (-facts +document):\n%s", diff)
	}
}

func TestEveryChannelHasItsRelay(t *testing.T) {
	t.Parallel()
	doc := read(t)
	if doc.AsyncAPI != "3.0.0" {
		t.Errorf("asyncapi %s, want 3.0.0", doc.AsyncAPI)
	}
	var got []string
	for name, op := range doc.Operations {
		want := "send" // services only publish facts
		if op.Channel.Ref == "#/channels/bankReports" {
			want = "receive"
		}
		if op.Action != want {
			t.Errorf("operation %s: action %q, want %q", name, op.Action, want)
		}
		got = append(got, strings.TrimPrefix(op.Channel.Ref, "#/channels/"))
	}
	slices.Sort(got)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(doc.Channels)), got); diff != "" {
		t.Fatalf("channels (-described +published to):\n%s", diff)
	}
}

// The headers are written by libs/kafkabus; this module does not build it, it reads the names in its source.
func TestTheHeadersAreThoseThatTheRelayWrites(t *testing.T) {
	t.Parallel()
	var source []byte
	for _, file := range []string{"envelope/encode.go", "tail/tail.go"} {
		part, err := os.ReadFile("../../libs/kafkabus/internal/" + file)
		if err != nil {
			t.Fatal(err)
		}
		source = append(source, part...)
	}
	var want []string
	for _, m := range regexp.MustCompile(`(?m)^\s*[hH]eader\w+\s*= "([a-z_-]+)"`).FindAllStringSubmatch(string(source), -1) {
		want = append(want, m[1])
	}
	slices.Sort(want)
	headers := read(t).Components.MessageTraits["fact"].Headers
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(headers.Properties))); diff != "" {
		t.Errorf("headers (-kafkabus +document):\n%s", diff)
	}
	optional := []string{"ce_correlationid", "ce_causationid", "traceparent"}
	always := slices.DeleteFunc(slices.Clone(want), func(h string) bool { return slices.Contains(optional, h) })
	if diff := cmp.Diff(always, slices.Sorted(slices.Values(headers.Required))); diff != "" {
		t.Errorf("headers that are always there (-kafkabus +document):\n%s", diff)
	}
}

func read(t *testing.T) document {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(contracts.Folder, "asyncapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var doc document
	if err := yaml.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

type description struct{ title, description string }

func describe(t *testing.T, e events.Event) description {
	t.Helper()
	schema := compile(t, e)
	return description{schema.Title, schema.Description}
}
