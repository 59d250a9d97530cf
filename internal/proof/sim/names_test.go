package sim

import (
	"sync"

	"s3fanout/internal/function/functionenv"
	"s3fanout/internal/replicaset"
)

// names are what the parts of a Region are called. They are the same in all worlds.
type names struct {
	replicaset.Member
	role, roleARN, functionARN, topicARN, queueARN string
}

// allNames are those of all Regions.
var allNames = sync.OnceValue(func() map[string]names {
	all := map[string]names{}
	for _, region := range regionNames {
		m := replicaset.Config{Name: setName, Regions: regionNames}.Member(account, region)
		all[region] = names{m, m.RoleName(), m.RoleARN(), m.FunctionARN(), m.TopicARN(), m.QueueARN()}
	}
	return all
})

func namesOf(region string) names { return allNames()[region] }

// configure reads what the functions are told of the set, as each does when it starts.
// It is called again when the set has changed.
func (w *world) configure() {
	w.configs = map[string]functionenv.Config{}
	for _, region := range w.set.Regions {
		w.configs[region] = functionenv.Of(w.set, namesOf(region).Member)
	}
}
