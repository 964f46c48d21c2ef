from .study import Agreement as Agreement, Between as Between, decisions as decisions
