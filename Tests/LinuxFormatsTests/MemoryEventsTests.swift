import Testing

@testable import LinuxFormats

@Suite struct MemoryEventsTests {
  @Test func `the memory control group's files are those of cgroup versions 1 and 2`() {
    let list = "9:name=systemd:/\n4:memory:/kubepods/pod1\n3:cpu,cpuacct:/x\n0::/app\nrubbish\n"
    #expect(
      parseMemoryGroupFiles(Array(list.utf8)) == [
        "/sys/fs/cgroup/memory/kubepods/pod1/memory.oom_control", "/sys/fs/cgroup/memory/memory.oom_control",
        "/sys/fs/cgroup/app/memory.events", "/sys/fs/cgroup/memory.events",
      ])
  }

  @Test func `out-of-memory kills are read from the files of cgroup versions 1 and 2`() {
    #expect(
      parseOutOfMemoryKills(events: Array("low 0\nhigh 0\nmax 3\noom 2\noom_kill 2\noom_group_kill 0\n".utf8)) == 2)
    #expect(parseOutOfMemoryKills(events: Array("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n".utf8)) == 1)
    #expect(parseOutOfMemoryKills(events: Array("oom_kill_disable 0\nunder_oom 0\n".utf8)) == nil)
    #expect(parseOutOfMemoryKills(events: []) == nil)
  }
}
