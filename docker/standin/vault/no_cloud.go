package k8s

import (
	"errors"
	"log"
)

// Provider finds nobody: peers of raft are not looked for in clouds here.
type Provider struct{}

func (*Provider) Help() string { return "left out" }

func (*Provider) Addrs(map[string]string, *log.Logger) ([]string, error) {
	return nil, errors.New("left out")
}
