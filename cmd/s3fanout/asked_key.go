package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"s3fanout/internal/replicaset"
)

// askedKey is what commands about one key need to ask.
type askedKey struct {
	set       replicaset.Config
	config    aws.Config
	account   string
	key       string
	auditFrom time.Time
}

// askedKey reads the configuration and the argument, which can be a URL of S3, and
// signs in; what is wrong with them is said before.
func (a *app) askedKey(ctx context.Context, argument string, f auditFlags) (k askedKey, err error) {
	if k.set, err = a.replicaSet(); err != nil {
		return k, err
	}
	if err := checkKey(argument); err != nil {
		return k, err
	}
	if k.auditFrom, err = f.from(k.set, time.Now()); err != nil {
		return k, err
	}
	if k.config, k.account, err = signIn(ctx, k.set.Regions[0]); err != nil {
		return k, err
	}
	k.key, err = keyOf(argument, k.set, k.account)
	return k, err
}
