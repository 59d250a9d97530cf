package health

import (
	"slices"
	"strings"
)

// regionKeys are the ARNs of the Regions' KMS keys, as far as they are known:
// those of the configuration, or what most of a Region's bucket, topic and
// queue have, its bucket before the others. Only KMS itself could tell which
// key has the set's alias.
func regionKeys(facts Facts) map[string]string {
	if !facts.Set.UsesKMS() {
		return nil
	}
	if !facts.Set.MakesKeys() {
		return facts.Set.KMSKeyARNs
	}
	keys := map[string]string{}
	for _, r := range facts.Regions {
		var have []string
		configured := []string{r.Bucket.Value.Encryption.Value.Key, r.Topic.Value.Key, r.Queue.Value.Key}
		if facts.Set.Adopts(r.Name) {
			configured = configured[1:] // its own key says nothing about the set's
		}
		for _, key := range configured {
			if strings.HasPrefix(key, facts.member(r.Name).ARN("kms", "key/")) {
				have = append(have, key)
			}
		}
		most := 0
		for _, key := range have {
			if n := count(have, key); n > most {
				keys[r.Name], most = key, n
			}
		}
	}
	return keys
}

func count(list []string, of string) int {
	return len(slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s != of }))
}

// isKey says whether what a resource was given is the Region's key: its ARN, its
// ID, or the alias of a key that the Region's stack makes.
func (c *checker) isKey(id string) bool {
	want := c.keys[c.region.Name]
	if id == "" {
		return false
	}
	if want != "" && (id == want || strings.HasSuffix(want, ":key/"+id)) {
		return true
	}
	alias := c.facts.Set.KeyAlias()
	return c.facts.Set.MakesKeys() &&
		(id == alias || id == c.here().ARN("kms", alias))
}

// wantedKey names the Region's key.
func (c *checker) wantedKey() string {
	if key := c.keys[c.region.Name]; key != "" {
		return key
	}
	return c.facts.Set.KeyAlias()
}

// bucketEncryption checks that new objects are encrypted as the configuration
// says.
func (c *checker) bucketEncryption(look Look[Encryption]) {
	if !answered(c, checkBucketKey, look) {
		return
	}
	e := look.Value
	want := "AES256"
	if c.facts.Set.UsesKMS() {
		want = "aws:kms"
	}
	have := e.Algorithm
	if have == "" {
		have = "nothing"
	}
	switch {
	case e.Algorithm != want:
		c.find(checkBucketKey, "bucket %s is encrypted by %s, not by %s", c.here().Bucket, have, want)
	case !c.facts.Set.UsesKMS():
	case !c.isKey(e.Key):
		c.find(checkBucketKey, "bucket %s is encrypted with %s, not with %s",
			c.here().Bucket, orNone(e.Key, "AWS's own key"), c.wantedKey())
	case !e.BucketKey:
		c.add(checkBucketKey, Warning, "bucket %s has no bucket key: each object costs a request to KMS", c.here().Bucket)
	}
}

// messageEncryption checks that a topic or a queue is encrypted with the key
// that the configuration gives it, if any.
func (c *checker) messageEncryption(id, what, key string) {
	switch {
	case c.facts.Set.UsesKMS() && !c.isKey(key):
		c.find(id, "%s is encrypted with %s, not with %s", what, orNone(key, "no KMS key"), c.wantedKey())
	case !c.facts.Set.UsesKMS() && key != "":
		c.find(id, "%s is encrypted with %s, which cdk.json does not say", what, key)
	}
}

func orNone(text, none string) string {
	if text == "" {
		return none
	}
	return text
}
