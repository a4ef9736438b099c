package doctor

// Catalogue lists every check in the order of the report.
func Catalogue() []Check {
	return []Check{
		selectedCheck(), contextsCheck(), buildCheck(), pathGoCheck(), distroGoCheck(), copiedGoCheck(), gorootCheck(), leftoversCheck(),
		goenvCheck(), goEnvFileCheck(), gotoolchainCheck(), goflagsCheck(), go111moduleCheck(), gosumdbCheck(), goinsecureCheck(),
		goproxySettingCheck(), gopathCheck(), gobinCheck(), programsCheck(), goamd64Check(), buildDirsCheck(), targetCheck(), endOfLifeCheck(), holesCheck(), builtByCheck(),
		conflictsCheck(), replaceCheck(), workspaceCheck(), mixedCheck(),

		hookLoadedCheck(), hookOrderCheck(), hookPathCheck(), hookShimsCheck(), hookStaleCheck(), hookEditorCheck(),

		virtCheck(), sizingCheck(), cgroupCheck(), cpuLimitCheck(), memLimitCheck(), swapCheck(), overcommitCheck(), thpCheck(),
		nofileCheck(), processesCheck(), inotifyCheck(), clocksourceCheck(), timesyncCheck(), clockSkewCheck(), stealCheck(),
		pressureCheck(), entropyCheck(), execCheck(), spaceCheck(), filesystemCheck(), tmpfsCheck(), diskSpeedCheck(),

		supportCheck(), libcCheck(), kernelCheck(), compilerCheck(), pkgConfigCheck(), gitCheck(), certificatesCheck(),

		proxiesCheck(), dnsCheck(), goproxyCheck(), indexCheck(), sumdbCheck(), listenersCheck(), listenCheck(), grpcCheck(),

		storeCheck(), setuidCheck(), pathDirsCheck(), gopathPermissionsCheck(), ownerCheck(), umaskCheck(), rootCheck(), sudoCheck(), lsmCheck(),
	}
}
