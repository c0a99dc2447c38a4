package kafka

import (
	"strings"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Resource is a kind of thing which a [Right] is about.
type Resource int8

// The resources of the Kafka protocol which this project uses.
const (
	Topic   = Resource(kmsg.ACLResourceTypeTopic)
	Group   = Resource(kmsg.ACLResourceTypeGroup)
	Cluster = Resource(kmsg.ACLResourceTypeCluster)
)

// Operation is what a [Right] allows to do with a resource.
type Operation int8

// The operations of the Kafka protocol; Read, Write and Delete include Describe.
const (
	All      = Operation(kmsg.ACLOperationAll)
	Read     = Operation(kmsg.ACLOperationRead)
	Write    = Operation(kmsg.ACLOperationWrite)
	Create   = Operation(kmsg.ACLOperationCreate)
	Delete   = Operation(kmsg.ACLOperationDelete)
	Describe = Operation(kmsg.ACLOperationDescribe)
)

// clusterName is the only name which a resource of kind Cluster can have.
const clusterName = "kafka-cluster"

// Right allows operations on a resource. A name ending in * stands for every
// name that begins with what's before it: "songan.*". Rights only allow:
// what no right allows is refused.
type Right struct {
	On   Resource
	Name string
	May  []Operation
}

// Pattern is the name as the protocol wants it, and whether it's a prefix. The
// name * alone isn't a prefix: the protocol knows it for every name.
func (r Right) Pattern() (name string, prefix bool) {
	if r.On == Cluster {
		return clusterName, false
	}
	if r.Name == "*" {
		return r.Name, false
	}
	return strings.CutSuffix(r.Name, "*")
}

// pattern is Pattern in kmsg's words.
func (r Right) pattern() (string, kmsg.ACLResourcePatternType) {
	name, prefix := r.Pattern()
	if prefix {
		return name, kmsg.ACLResourcePatternTypePrefixed
	}
	return name, kmsg.ACLResourcePatternTypeLiteral
}

// options are kfake's words for a user; it may log in by both mechanisms.
func (u User) options() []kfake.Opt {
	if u.Super {
		return []kfake.Opt{
			kfake.Superuser(scram256, u.Name, u.Password),
			kfake.Superuser(scram512, u.Name, u.Password),
		}
	}
	var acls []kfake.ACL
	for _, r := range u.Rights {
		name, pattern := r.pattern()
		for _, op := range r.May {
			acls = append(acls, kfake.ACL{
				Resource: kmsg.ACLResourceType(r.On), Name: name, Pattern: pattern,
				Operation: kmsg.ACLOperation(op), Allow: true,
			})
		}
	}
	return []kfake.Opt{
		kfake.User(scram256, u.Name, u.Password, acls...),
		kfake.User(scram512, u.Name, u.Password),
	}
}
